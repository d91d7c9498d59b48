package profile

import (
	"fmt"

	"vswarm/function/hotels"
	pb "vswarm/protos/profile"
)

// hotel is a document of profile-db.hotels: its fields are those of the message in lower case, as MongoDB's driver has them.
type hotel struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	PhoneNumber string  `json:"phonenumber"`
	Description string  `json:"description"`
	Address     address `json:"address"`
}

type address struct {
	StreetNumber string `json:"streetnumber"`
	StreetName   string `json:"streetname"`
	City         string `json:"city"`
	State        string `json:"state"`
	Country      string `json:"country"`
	PostalCode   string `json:"postalcode"`
	// Single precision, as in the interface.
	Lat float32 `json:"lat"`
	Lon float32 `json:"lon"`
}

func (h hotel) message() *pb.Hotel {
	return &pb.Hotel{
		Id:          h.ID,
		Name:        h.Name,
		PhoneNumber: h.PhoneNumber,
		Description: h.Description,
		Address: &pb.Address{
			StreetNumber: h.Address.StreetNumber,
			StreetName:   h.Address.StreetName,
			City:         h.Address.City,
			State:        h.Address.State,
			Country:      h.Address.Country,
			PostalCode:   h.Address.PostalCode,
			Lat:          h.Address.Lat,
			Lon:          h.Address.Lon,
		},
	}
}

// byHand are the first six hotels: invented, with descriptions as long as the original's.
var byHand = []hotel{
	{
		Name:        "Harbour Court",
		PhoneNumber: "(415) 555-0101",
		Description: "A quiet house two streets from the water, with a garden on the roof, a library open all night, and rooms that look over the bay; the ferries leave from the pier at the corner every twenty minutes until ten.",
		Address:     address{StreetNumber: "12", StreetName: "Fourth Street", PostalCode: "94103"},
	},
	{
		Name:        "Linden House",
		PhoneNumber: "(415) 555-0102",
		Description: "Small rooms, large windows and good coffee, a short walk from the museums and from the final stop of the cable cars.",
		Address:     address{StreetNumber: "340", StreetName: "Mission Street", PostalCode: "94105"},
	},
	{
		Name:        "The Copper Lantern",
		PhoneNumber: "(415) 555-0103",
		Description: "Built in nineteen hundred and ten and lit by its old lamps to this day, the house has a theatre next door, a bar on the top floor and a cook who has stayed for forty years.",
		Address:     address{StreetNumber: "71", StreetName: "Geary Street", PostalCode: "94108"},
	},
	{
		Name:        "Pier 9",
		PhoneNumber: "(415) 555-0104",
		Description: "Every room has a view of the piers and of the bridge behind them, and the tram to the old town stops right in front of the door.",
		Address:     address{StreetNumber: "8", StreetName: "Steuart Street", PostalCode: "94105"},
	},
	{
		Name:        "Hotel Alder & Ash",
		PhoneNumber: "(415) 555-0105",
		Description: "On the silent side of the hill, with forty rooms in warm colours, each with a desk, a bath and a kettle; breakfast is served in the courtyard from seven to ten, and guests may borrow bicycles, umbrellas and maps of walks that end with a view of the sea.",
		Address:     address{StreetNumber: "520", StreetName: "Post Street", PostalCode: "94109"},
	},
	{
		Name:        "Union Square Residences",
		PhoneNumber: "(415) 555-0106",
		Description: "In the middle of the shops and restaurants, yet with thick walls and silent lifts, this is a place for those who come to work: rooms for meetings, fast lines, long opening hours and a gym with a view over the roofs of the town.",
		Address:     address{StreetNumber: "200", StreetName: "Stockton Street", PostalCode: "94108"},
	},
}

// seed returns all hotels; from the seventh on they only differ in number, telephone and place.
func seed() []hotel {
	list := make([]hotel, hotels.Count)
	for i := range list {
		number := i + 1
		var h hotel
		if i < len(byHand) {
			h = byHand[i]
		} else {
			h = byHand[len(byHand)-1]
			h.PhoneNumber = fmt.Sprintf("(415) 555-01%02d", number)
		}
		at := hotels.AddressOf(number)
		h.ID = hotels.ID(number)
		h.Address.City, h.Address.State, h.Address.Country = "San Francisco", "CA", "United States"
		h.Address.Lat, h.Address.Lon = float32(at.Lat), float32(at.Lon)
		list[i] = h
	}
	return list
}
