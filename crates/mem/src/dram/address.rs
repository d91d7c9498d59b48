//! Where a line lies: the address map of the controller.

use super::command::BankId;
use super::config::{AddressField, OrganisationConfig};
use stream::LineAddr;

/// The place of a line. Its column does not matter to time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub channel: usize,
    pub bank: BankId,
    pub row: u32,
}

/// A field of a line's number.
#[derive(Clone, Copy, Debug, Default)]
struct Bits {
    shift: u32,
    width: u32,
}

impl Bits {
    #[inline]
    fn of(self, line: LineAddr) -> u64 {
        line.0 >> self.shift & ((1 << self.width) - 1)
    }
}

/// Cuts the number of a line into fields. Addresses beyond the capacity wrap around.
#[derive(Clone, Copy, Debug)]
pub(super) struct AddressMap {
    row: Bits,
    rank: Bits,
    group: Bits,
    bank: Bits,
    channel: Bits,
}

impl AddressMap {
    /// The map with `order` from the most significant field to the least.
    pub(super) fn new(
        order: &[AddressField],
        organisation: &OrganisationConfig,
        line_bytes: u64,
    ) -> Self {
        let mut shift = 0;
        let mut fields = [Bits::default(); 6];
        for &field in order.iter().rev() {
            let count = match field {
                AddressField::Row => organisation.rows,
                AddressField::Rank => organisation.ranks,
                AddressField::BankGroup => organisation.bank_groups,
                AddressField::Bank => organisation.banks_per_group,
                AddressField::Column => (organisation.row_bytes / line_bytes).max(1) as u32,
                AddressField::Channel => organisation.channels,
            };
            let width = count.trailing_zeros();
            fields[field as usize] = Bits { shift, width };
            shift += width;
        }
        let bits = |field: AddressField| fields[field as usize];
        Self {
            row: bits(AddressField::Row),
            rank: bits(AddressField::Rank),
            group: bits(AddressField::BankGroup),
            bank: bits(AddressField::Bank),
            channel: bits(AddressField::Channel),
        }
    }

    #[inline]
    pub(super) fn place(&self, line: LineAddr) -> Place {
        let (rank, group) = (self.rank.of(line), self.group.of(line));
        let bank = ((rank << self.group.width | group) << self.bank.width) | self.bank.of(line);
        Place {
            channel: self.channel.of(line) as usize,
            bank: BankId(bank as u16),
            row: self.row.of(line) as u32,
        }
    }
}
