# An indirect jump to one of eight targets at random.
    li s2, 6364136223846793005
    li s3, 1442695040888963407
    li s4, 1
    la s5, targets
    li s0, 2000
.align 64
loop:
    mul s4, s4, s2
    add s4, s4, s3
    srli a3, s4, 40
    andi a3, a3, 7
    slli a3, a3, 4
    add a3, a3, s5
    jalr zero, 0(a3)
back:
    addi s0, s0, -1
    bnez s0, loop
    pass
.align 64
targets:
    addi a4, a4, 0
    j back
    nop
    nop
    addi a4, a4, 1
    j back
    nop
    nop
    addi a4, a4, 2
    j back
    nop
    nop
    addi a4, a4, 3
    j back
    nop
    nop
    addi a4, a4, 4
    j back
    nop
    nop
    addi a4, a4, 5
    j back
    nop
    nop
    addi a4, a4, 6
    j back
    nop
    nop
    addi a4, a4, 7
    j back
    nop
    nop
