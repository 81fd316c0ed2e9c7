//! contagion
