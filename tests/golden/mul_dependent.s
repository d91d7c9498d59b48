# A chain of multiplications: two cycles each.
#! cycles an iteration = 64
    li s0, 400
.align 64
loop:
.rept 32
    mul a0, a0, a1
.endr
    addi s0, s0, -1
    bnez s0, loop
    pass
