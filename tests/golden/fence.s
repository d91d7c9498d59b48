# A fence between a store and a load.
    li a0, 0x81000000
    li s0, 300
.align 64
loop:
.rept 8
    sd a1, 0(a0)
    fence
    ld a2, 64(a0)
.endr
    addi s0, s0, -1
    bnez s0, loop
    pass
