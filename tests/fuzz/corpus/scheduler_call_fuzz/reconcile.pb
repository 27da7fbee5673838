

F	J



t
S