# Reads 16 MiB at random, independently: as many misses at a time as miss registers.
    li s2, 6364136223846793005
    li s3, 1442695040888963407
    li s4, 1
    li a0, 0x81000000
    li s0, 2000
.align 64
loop:
    mul s4, s4, s2
    add s4, s4, s3
    srli a3, s4, 40
    slli a3, a3, 3
    li a5, 0xfffff8
    and a3, a3, a5
    add a3, a3, a0
    ld a1, 0(a3)
    addi s0, s0, -1
    bnez s0, loop
    pass
