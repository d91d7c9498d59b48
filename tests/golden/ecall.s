# Traps and returns from them.
    la a0, handler
    csrrw zero, 0x305, a0
    li s0, 300
.align 64
loop:
    ecall
    addi s0, s0, -1
    bnez s0, loop
    pass
.align 64
handler:
    csrrs a1, 0x341, zero
    addi a1, a1, 4
    csrrw zero, 0x341, a1
    mret
