// Package view folds a run's events and its plan into what is shown of them: counts, groups, sections of a grid, rates, an
// estimate of the time that is left. It is pure; how that looks as text is package screen's.
package view
