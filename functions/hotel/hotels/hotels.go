// Package hotels is what the services' first documents have in common: eighty hotels, where they are and what they cost.
// The figures are the original's.
package hotels

import "strconv"

// Count is the number of hotels; their ids are "1" to "80".
const Count = 80

// Last written by hand: the others follow formulas.
const lastByHand = 6

// Position is where a hotel is, in degrees.
type Position struct {
	Lat, Lon float64
}

var byHand = [lastByHand]Position{
	{37.7867, -122.4112},
	{37.7854, -122.4005},
	{37.7854, -122.4071},
	{37.7936, -122.3930},
	{37.7831, -122.4181},
	{37.7863, -122.4015},
}

// ID is how a hotel is called in requests and documents.
func ID(number int) string {
	return strconv.Itoa(number)
}

// PositionOf is where the geo service has a hotel.
func PositionOf(number int) Position {
	if number <= lastByHand {
		return byHand[number-1]
	}
	return Position{Lat: 37.7835 + 0.006*float64(number), Lon: -122.41 + 0.008*float64(number)}
}

// AddressOf is where profile and recommendation have it. They disagree with geo about hotel 3.
func AddressOf(number int) Position {
	position := PositionOf(number)
	if number == 3 {
		position.Lat = 37.7834
	}
	return position
}

// Price is of a night, without and with taxes.
type Price struct {
	Total, Inclusive float64
}

// PriceOf is the price of a hotel after the sixth that is a multiple of three.
func PriceOf(number int) Price {
	return [5]Price{{109, 123.17}, {120, 140}, {124, 144}, {132, 158}, {232, 258}}[number%5]
}
