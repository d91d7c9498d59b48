# A value goes through memory: every load takes it from the store queue.
    li a0, 0x81000000
    li s0, 300
.align 64
loop:
.rept 16
    sd a1, 0(a0)
    ld a1, 0(a0)
.endr
    addi s0, s0, -1
    bnez s0, loop
    pass
