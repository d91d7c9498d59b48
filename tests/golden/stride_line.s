# Reads one word of every line.
    li a0, 0x81000000
    li s0, 800
.align 64
loop:
.rept 8
    ld a1, 0(a0)
    addi a0, a0, 64
.endr
    addi s0, s0, -1
    bnez s0, loop
    pass
