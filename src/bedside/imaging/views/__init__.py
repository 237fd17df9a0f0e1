"""Shows volumes to people: planes along the patient's axes, with what was found drawn over them."""
