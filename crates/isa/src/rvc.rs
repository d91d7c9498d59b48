//! Compressed instructions: the C extension of RV64GC, as expansions into the base table.
//!
//! Source: RISC-V Instruction Set Manual, volume I, chapter "C", sections "RVC Instruction Set Listings".
//! Encodings marked reserved do not decode; those marked HINT decode to the base instruction they expand to,
//! which has no effect. Left out: Zcb, Zcmp, Zcmt, and the RV32 and RV128 columns.

use crate::inst::Inst;
use crate::op::Op;
use crate::pattern::Layout;

struct Row {
    mnemonic: &'static str,
    layout: Layout,
    op: Op,
}

macro_rules! compressed {
    ($( ($mnemonic:literal, $pattern:literal, $op:ident), )*) => {
        const COUNT: usize = [$( Op::$op, )*].len();
        const ROWS_CONST: [Row; COUNT] = [$(
            Row { mnemonic: $mnemonic, layout: Layout::parse($pattern, 16), op: Op::$op },
        )*];
        static ROWS: [Row; COUNT] = ROWS_CONST;
    };
}

// Rows of one quadrant and funct3 are neighbours, so that the index is a range.
compressed! {
    ("c.addi4spn", "000 nzuimm[5:4|9:6|2|3] rd' 00 rs1=2", Addi),
    ("c.fld", "001 uimm[5:3] rs1' uimm[7:6] rd' 00", Fld),
    ("c.lw", "010 uimm[5:3] rs1' uimm[2|6] rd' 00", Lw),
    ("c.ld", "011 uimm[5:3] rs1' uimm[7:6] rd' 00", Ld),
    ("c.fsd", "101 uimm[5:3] rs1' uimm[7:6] rs2' 00", Fsd),
    ("c.sw", "110 uimm[5:3] rs1' uimm[2|6] rs2' 00", Sw),
    ("c.sd", "111 uimm[5:3] rs1' uimm[7:6] rs2' 00", Sd),

    ("c.addi", "000 imm[5] rs1/rd imm[4:0] 01", Addi),
    ("c.addiw", "001 imm[5] rs1/rd!0 imm[4:0] 01", Addiw),
    ("c.li", "010 imm[5] rd imm[4:0] 01", Addi),
    ("c.addi16sp", "011 nzimm[9] 00010 nzimm[4|6|8:7|5] 01 rd=2 rs1=2", Addi),
    ("c.lui", "011 nzimm[17] rd!2 nzimm[16:12] 01", Lui),
    ("c.srli", "100 uimm[5] 00 rs1'/rd' uimm[4:0] 01", Srli),
    ("c.srai", "100 uimm[5] 01 rs1'/rd' uimm[4:0] 01", Srai),
    ("c.andi", "100 imm[5] 10 rs1'/rd' imm[4:0] 01", Andi),
    ("c.sub", "100 0 11 rs1'/rd' 00 rs2' 01", Sub),
    ("c.xor", "100 0 11 rs1'/rd' 01 rs2' 01", Xor),
    ("c.or", "100 0 11 rs1'/rd' 10 rs2' 01", Or),
    ("c.and", "100 0 11 rs1'/rd' 11 rs2' 01", And),
    ("c.subw", "100 1 11 rs1'/rd' 00 rs2' 01", Subw),
    ("c.addw", "100 1 11 rs1'/rd' 01 rs2' 01", Addw),
    ("c.j", "101 imm[11|4|9:8|10|6|7|3:1|5] 01 rd=0", Jal),
    ("c.beqz", "110 imm[8|4:3] rs1' imm[7:6|2:1|5] 01 rs2=0", Beq),
    ("c.bnez", "111 imm[8|4:3] rs1' imm[7:6|2:1|5] 01 rs2=0", Bne),

    ("c.slli", "000 uimm[5] rs1/rd uimm[4:0] 10", Slli),
    ("c.fldsp", "001 uimm[5] rd uimm[4:3|8:6] 10 rs1=2", Fld),
    ("c.lwsp", "010 uimm[5] rd!0 uimm[4:2|7:6] 10 rs1=2", Lw),
    ("c.ldsp", "011 uimm[5] rd!0 uimm[4:3|8:6] 10 rs1=2", Ld),
    ("c.jr", "100 0 rs1!0 00000 10 rd=0", Jalr),
    ("c.mv", "100 0 rd rs2!0 10 rs1=0", Add),
    ("c.ebreak", "100 1 00000 00000 10", Ebreak),
    ("c.jalr", "100 1 rs1!0 00000 10 rd=1", Jalr),
    ("c.add", "100 1 rs1/rd rs2!0 10", Add),
    ("c.fsdsp", "101 uimm[5:3|8:6] rs2 10 rs1=2", Fsd),
    ("c.swsp", "110 uimm[5:2|7:6] rs2 10 rs1=2", Sw),
    ("c.sdsp", "111 uimm[5:3|8:6] rs2 10 rs1=2", Sd),
}

/// Range of rows for each combination of funct3 and quadrant.
static BUCKETS: [(u8, u8); 32] = buckets();

const fn bucket_of(raw: u32) -> usize {
    (raw >> 13 << 2 | raw & 3) as usize
}

const fn buckets() -> [(u8, u8); 32] {
    let mut buckets = [(0, 0); 32];
    let mut row = 0;
    while row < COUNT {
        let bucket = bucket_of(ROWS_CONST[row].layout.value);
        if buckets[bucket].1 == 0 {
            buckets[bucket].0 = row as u8;
        }
        assert!(
            buckets[bucket].1 == 0 || buckets[bucket].1 as usize == row,
            "rows of one bucket must be neighbours"
        );
        buckets[bucket].1 = row as u8 + 1;
        row += 1;
    }
    buckets
}

fn find(raw: u16) -> Option<&'static Row> {
    let raw = u32::from(raw);
    let (start, end) = BUCKETS[bucket_of(raw)];
    ROWS[start as usize..end as usize].iter().find(|row| row.layout.matches(raw))
}

/// Expands the compressed instruction `raw`, or `None` when it is illegal or reserved.
pub fn decode(raw: u16) -> Option<Inst> {
    let row = find(raw)?;
    let raw = u32::from(raw);
    Some(Inst {
        op: row.op,
        rd: row.layout.rd.extract(raw),
        rs1: row.layout.rs1.extract(raw),
        rs2: row.layout.rs2.extract(raw),
        rs3: 0,
        rm: 0,
        len: 2,
        imm: row.layout.immediate(raw),
        raw,
    })
}

/// The compressed mnemonic of `raw`, such as `c.addi`; `None` when it is illegal or reserved.
pub fn mnemonic(raw: u16) -> Option<&'static str> {
    find(raw).map(|row| row.mnemonic)
}

/// Every compressed mnemonic, in table order.
pub fn mnemonics() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.mnemonic)
}

#[cfg(test)]
mod tests;
