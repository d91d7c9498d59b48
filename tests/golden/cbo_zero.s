# Zeroes lines.
    li a1, 0xf0
    csrrs zero, 0x30a, a1
    li a0, 0x81000000
    li s0, 100
.align 64
loop:
.rept 8
    cbo.zero (a0)
    addi a0, a0, 64
.endr
    addi s0, s0, -1
    bnez s0, loop
    pass
