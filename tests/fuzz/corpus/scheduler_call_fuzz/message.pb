

F
R

S
ehi