# Loads over the end of a line.
    li a0, 0x81000000
    li s0, 500
.align 64
loop:
.rept 16
    ld a1, 60(a0)
.endr
    addi s0, s0, -1
    bnez s0, loop
    pass
