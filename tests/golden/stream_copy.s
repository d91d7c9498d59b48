# Copies 64 KiB.
    li a0, 0x81000000
    li a1, 0x81800000
    li s0, 1000
.align 64
loop:
.rept 8
    ld a2, 0(a0)
    sd a2, 0(a1)
    addi a0, a0, 8
    addi a1, a1, 8
.endr
    addi s0, s0, -1
    bnez s0, loop
    pass
