# Reads 150 KiB from one end to the other.
    li a0, 0x81000000
    li s0, 600
.align 64
loop:
.rept 8
    ld a1, 0(a0)
    ld a2, 8(a0)
    ld a3, 16(a0)
    ld a4, 24(a0)
    addi a0, a0, 32
.endr
    addi s0, s0, -1
    bnez s0, loop
    pass
