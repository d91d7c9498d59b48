# Writes a function, fences the instruction stream and calls it.
    la a0, func
    li a2, 0x00158593
    li s0, 100
.align 64
loop:
    sw a2, 0(a0)
    fence.i
    jal func
    addi s0, s0, -1
    bnez s0, loop
    pass
.align 64
func:
    nop
    ret
