# Stores over the end of a line and loads of the same bytes.
    li a0, 0x81000000
    li s0, 500
.align 64
loop:
.rept 8
    sd a1, 60(a0)
    ld a2, 60(a0)
.endr
    addi s0, s0, -1
    bnez s0, loop
    pass
