# 6000 jumps over one instruction each: beyond the target buffer of 4096.
    li s0, 3
.align 64
loop:
.rept 6000
    jal zero, +8
    nop
.endr
    addi s0, s0, -1
    beqz s0, done
    j loop
done:
    pass
