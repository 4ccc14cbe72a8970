//! What a decoder learns while it decodes (T.87 A.2.2, A.6, A.7.2).

/// The variables of one context of the regular mode: A, B, C and N.
#[derive(Debug, Clone, Copy)]
pub(super) struct Regular {
    a: i32,
    b: i32,
    pub(super) c: i32,
    n: i32,
}

impl Regular {
    pub(super) const fn new(a: i32) -> Self {
        Self { a, b: 0, c: 0, n: 1 }
    }

    /// The Golomb variable (T.87 A.5.1).
    pub(super) const fn k(&self) -> u32 {
        golomb(self.n, self.a)
    }

    /// The error that was mapped to `mapped` (T.87 A.5.2).
    pub(super) const fn unmap(&self, mapped: i32, k: u32, near: i32) -> i32 {
        let swapped = near == 0 && k == 0 && 2 * self.b <= -self.n;
        match (mapped % 2 == 0, swapped) {
            (true, false) => mapped / 2,
            (false, false) => -(mapped + 1) / 2,
            (true, true) => -mapped / 2 - 1,
            (false, true) => (mapped - 1) / 2,
        }
    }

    /// Learns from an error (T.87 A.6).
    pub(super) fn update(&mut self, error: i32, near: i32, reset: i32) {
        self.b = self.b.saturating_add(error * (2 * near + 1));
        self.a = self.a.saturating_add(error.abs());
        if self.n == reset {
            self.a >>= 1;
            self.b = if self.b >= 0 { self.b >> 1 } else { -((1 - self.b) >> 1) };
            self.n >>= 1;
        }
        self.n += 1;
        if self.b <= -self.n {
            self.b = (self.b + self.n).max(1 - self.n);
            self.c = (self.c - 1).max(-128);
        } else if self.b > 0 {
            self.b = (self.b - self.n).min(0);
            self.c = (self.c + 1).min(127);
        }
    }
}

/// The variables of a context of run interruption: A, N and Nn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interruption {
    a: i32,
    n: i32,
    nn: i32,
    /// RItype: 1 where the samples to the left and above are the same.
    ri_type: i32,
}

impl Interruption {
    pub(super) const fn new(a: i32, ri_type: i32) -> Self {
        Self { a, n: 1, nn: 0, ri_type }
    }

    /// The Golomb variable (T.87 A.7.2.1).
    pub(super) const fn k(&self) -> u32 {
        golomb(self.n, if self.ri_type == 1 { self.a + (self.n >> 1) } else { self.a })
    }

    /// Turns a mapped error into the error and learns from it (T.87 A.7.2.2).
    pub(super) fn unmap(&mut self, mapped: i32, k: u32, reset: i32) -> i32 {
        let sum = mapped + self.ri_type;
        let map = sum % 2;
        let magnitude = (sum + map) / 2;
        let negative = (k != 0 || 2 * self.nn >= self.n) == (map == 1);
        let error = if negative { -magnitude } else { magnitude };
        if error < 0 {
            self.nn += 1;
        }
        self.a = self.a.saturating_add((mapped + 1 - self.ri_type) >> 1);
        if self.n == reset {
            self.a >>= 1;
            self.n >>= 1;
            self.nn >>= 1;
        }
        self.n += 1;
        error
    }
}

const fn golomb(n: i32, a: i32) -> u32 {
    let mut k = 0;
    while k < 24 && ((n as i64) << k) < a as i64 {
        k += 1;
    }
    k
}
