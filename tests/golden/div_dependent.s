# A chain of divisions: two cycles each on this core.
#! cycles an iteration = 64
    li a0, 1000
    li a1, 1
    li s0, 400
.align 64
loop:
.rept 32
    div a0, a0, a1
.endr
    addi s0, s0, -1
    bnez s0, loop
    pass
