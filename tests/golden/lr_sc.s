# A counter by load-reserved and store-conditional.
    li a0, 0x81000000
    li s0, 800
.align 64
loop:
retry:
    lr.d a1, (a0)
    addi a1, a1, 1
    sc.d a2, a1, (a0)
    bnez a2, retry
    addi s0, s0, -1
    bnez s0, loop
    pass
