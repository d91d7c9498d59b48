package reservation

import "vswarm/function/hotels"

// booking is a document of reservation-db.reservation: rooms of a hotel for one night.
type booking struct {
	HotelID      string `json:"hotelid"`
	CustomerName string `json:"customername"`
	InDate       string `json:"indate"`
	OutDate      string `json:"outdate"`
	Number       int    `json:"number"`
}

// capacity is a document of reservation-db.number: how many rooms a hotel has.
type capacity struct {
	HotelID string `json:"hotelid"`
	Number  int    `json:"numberofroom"`
}

func seedBookings() []booking {
	return []booking{{HotelID: "4", CustomerName: "Alice", InDate: "2015-04-09", OutDate: "2015-04-10", Number: 1}}
}

func seedCapacities() []capacity {
	list := make([]capacity, hotels.Count)
	for i := range list {
		number := i + 1
		rooms := 200
		switch {
		case number == 2:
			rooms = 10
		case number > 6:
			rooms = [3]int{200, 300, 250}[number%3]
		}
		list[i] = capacity{HotelID: hotels.ID(number), Number: rooms}
	}
	return list
}
