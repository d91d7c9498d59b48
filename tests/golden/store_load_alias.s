# Stores whose address comes late, before loads of it: violations, then store sets.
    li a0, 0x81000000
    li a1, 3
    li s0, 300
.align 64
loop:
.rept 4
    mul a3, a1, a1
    mul a3, a3, a1
    and a3, a3, zero
    add a3, a3, a0
    sd a1, 0(a3)
    ld a2, 0(a0)
.endr
    addi s0, s0, -1
    bnez s0, loop
    pass
