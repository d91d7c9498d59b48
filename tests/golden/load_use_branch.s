# A branch on a loaded value, and the next address from memory.
    li a0, 0x81000000
    sd a0, 16(a0)
    li s0, 800
.align 64
loop:
    ld a1, 0(a0)
    bnez a1, over
    ld a1, 8(a0)
over:
    ld a0, 16(a0)
    addi s0, s0, -1
    bnez s0, loop
    pass
