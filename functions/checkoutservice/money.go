package main

import pb "vswarm/protos/hipstershop"

const nanosPerUnit = 1_000_000_000

// add returns the sum of two amounts of one currency, neither of them negative.
func add(a, b *pb.Money) *pb.Money {
	units := a.GetUnits() + b.GetUnits()
	nanos := a.GetNanos() + b.GetNanos()
	if nanos >= nanosPerUnit {
		units++
		nanos -= nanosPerUnit
	}
	return &pb.Money{CurrencyCode: a.GetCurrencyCode(), Units: units, Nanos: nanos}
}

// times multiplies by adding again and again, as the original does.
func times(price *pb.Money, quantity int32) *pb.Money {
	total := price
	for ; quantity > 1; quantity-- {
		total = add(total, price)
	}
	return total
}
