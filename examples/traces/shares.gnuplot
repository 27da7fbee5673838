# Draws what `souk sim --trace=examples/traces/two_teams.json --csv=shares.csv` has written:
#   gnuplot examples/traces/shares.gnuplot > shares.svg
set terminal svg size 900,400
set datafile separator ','
set key outside autotitle columnhead
set xlabel 'minutes'
set ylabel 'CPUs'
set style data steps
plot 'shares.csv' using ($1/60):'etl cpus', '' using ($1/60):'adhoc cpus'
