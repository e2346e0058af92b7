// Greets whoever the data name: { "name": "Ada" } is answered with { "greeting": "Hello, Ada!" }.
package main

type wanted struct {
	Name string `json:"name"`
}

type greeting struct {
	Greeting string `json:"greeting"`
}

func main() {
	handle(func(data wanted) (greeting, error) {
		if data.Name == "" {
			return greeting{}, rejected("validation", "NAME_MISSING", "name is missing")
		}
		return greeting{"Hello, " + data.Name + "!"}, nil
	})
}
