# Loads that a store covers in part wait until it is in the cache.
    li a0, 0x81000000
    li s0, 300
.align 64
loop:
.rept 8
    sw a1, 4(a0)
    ld a1, 0(a0)
.endr
    addi s0, s0, -1
    bnez s0, loop
    pass
