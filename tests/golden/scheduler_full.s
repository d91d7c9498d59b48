# Many wait for one result.
    li s0, 400
.align 64
loop:
    mul a0, a0, a1
    mul a0, a0, a1
    mul a0, a0, a1
.rept 24
    add a2, a0, a1
.endr
    addi s0, s0, -1
    bnez s0, loop
    pass
