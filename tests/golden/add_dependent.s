# A chain of additions: one a cycle.
#! cycles an iteration = 32
    li s0, 400
.align 64
loop:
.rept 32
    add a0, a0, a1
.endr
    addi s0, s0, -1
    bnez s0, loop
    pass
