# Writes of a control register.
    li s0, 400
.align 64
loop:
.rept 4
    csrrw a1, 0x340, a2
    addi a2, a2, 1
.endr
    addi s0, s0, -1
    bnez s0, loop
    pass
