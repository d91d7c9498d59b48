# An indirect jump over eight targets in turn.
    la s5, targets
    li s0, 2000
.align 64
loop:
    andi a3, s0, 7
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
