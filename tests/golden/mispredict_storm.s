# A branch that nobody can predict.
    li s2, 6364136223846793005
    li s3, 1442695040888963407
    li s4, 1
    li s0, 3000
.align 64
loop:
    mul s4, s4, s2
    add s4, s4, s3
    srli a3, s4, 40
    andi a3, a3, 1
    beqz a3, over
    addi a4, a4, 1
over:
    addi s0, s0, -1
    bnez s0, loop
    pass
