// Package keyword finds captions by their words: texts and slots in, slots and
// BM25 scores out. It knows nothing of files or vectors.
//
// A text becomes terms like this:
//
//  1. [Fold]: compatibility forms, letter case and the diacritics of Latin,
//     Greek, Hebrew, Arabic and Cyrillic go, so that "Cafe" finds "café".
//  2. The boundaries of Unicode Standard Annex 29 cut words, numbers and
//     emoji. What an apostrophe leaves short is dropped: l'homme, the dog's.
//  3. Scripts without spaces (Han, Kana, Hangul, Thai, Lao, Khmer, Burmese)
//     become pairs of neighbouring characters. Single Han and Hangul
//     characters are kept beside them, so that 犬 finds 犬が走る.
//  4. Words get the Snowball stemmer of their language. The language of a
//     caption is not known, so the script decides: Cyrillic is stemmed as
//     Russian, Arabic as Arabic, and Latin by the [Language] of the index,
//     English unless told otherwise. A stemmer of the wrong language still
//     treats caption and query alike: equal words meet, only fewer forms of
//     one word do.
//
// Words such as "the" and "of" are indexed, but left out of a query that has
// others: a caption that shares nothing but "the" with the query is no answer.
//
// Scores are BM25 (Robertson and Zaragoza, "The Probabilistic Relevance
// Framework: BM25 and Beyond", 2009) with k1 = 1.2 and b = 0.75, exact lengths,
// and the idf that is never below zero, ln(1 + (N-n+0.5)/(n+0.5)). N and the
// mean length are those of all captions, whatever a filter lets pass.
//
// # Caveats
//
// Scores rank the answers of one query; they do not compare between queries
// and have no upper bound.
//
// Compound words are not taken apart: "Hund" does not find "Hundehütte".
// Neither phrases nor prefixes can be searched.
package keyword
