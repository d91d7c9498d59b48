# Branches with short patterns.
    li s0, 3000
.align 64
loop:
    andi a3, s0, 3
    beqz a3, over
    addi a4, a4, 1
over:
    andi a3, s0, 7
    bnez a3, more
    addi a4, a4, 2
more:
    addi s0, s0, -1
    bnez s0, loop
    pass
