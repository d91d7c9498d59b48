# Reads one word of every page: all in a few sets.
    li a0, 0x81000000
    li a2, 4096
    li s0, 300
.align 64
loop:
.rept 8
    ld a1, 0(a0)
    add a0, a0, a2
.endr
    addi s0, s0, -1
    bnez s0, loop
    pass
