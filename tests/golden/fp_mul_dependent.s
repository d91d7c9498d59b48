# A chain of multiplications: four cycles each.
#! cycles an iteration = 128
    li a0, 0x6000
    csrrs zero, 0x300, a0
    li a0, 1
    fcvt.d.l f1, a0
    fcvt.d.l f2, a0
    li s0, 400
.align 64
loop:
.rept 32
    fmul.d f1, f1, f2
.endr
    addi s0, s0, -1
    bnez s0, loop
    pass
