# Calls 8 deep: the return stack holds them.
    li sp, 0x82000000
    li s0, 400
.align 64
loop:
    li a0, 8
    jal func
    addi s0, s0, -1
    bnez s0, loop
    pass
func:
    addi sp, sp, -16
    sd ra, 0(sp)
    addi a0, a0, -1
    beqz a0, leaf
    jal func
leaf:
    ld ra, 0(sp)
    addi sp, sp, 16
    ret
