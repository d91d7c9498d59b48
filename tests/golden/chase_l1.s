# Follows pointers in the first level: address 1 and hit 4 cycles each.
#! cycles an iteration = 80
    li a0, 0x81000000
    li a1, 64
    mv a2, a0
build:
    li a3, 64
    add a3, a2, a3
    sd a3, 0(a2)
    mv a4, a2
    mv a2, a3
    addi a1, a1, -1
    bnez a1, build
    sd a0, 0(a4)
    fence
    li s0, 500
.align 64
loop:
.rept 16
    ld a0, 0(a0)
.endr
    addi s0, s0, -1
    bnez s0, loop
    pass
