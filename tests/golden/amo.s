# Atomic additions to one word.
    li a0, 0x81000000
    li s0, 400
.align 64
loop:
.rept 8
    amoadd.d a1, a2, (a0)
.endr
    addi s0, s0, -1
    bnez s0, loop
    pass
