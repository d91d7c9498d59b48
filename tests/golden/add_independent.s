# Independent additions: as many a cycle as 16 bytes of fetch hold, four.
#! cycles an iteration = 9
    li s0, 400
.align 64
loop:
.rept 8
    add a0, s2, s3
    add a1, s2, s3
    add a2, s2, s3
    add a3, s2, s3
.endr
    addi s0, s0, -1
    bnez s0, loop
    pass
