# 48 KiB of code without a branch: beyond the first level.
    li s0, 5
.align 64
loop:
.rept 12288
    addi a0, a0, 1
.endr
    addi s0, s0, -1
    beqz s0, done
    j loop
done:
    pass
