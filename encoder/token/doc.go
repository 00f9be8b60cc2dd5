// Package token turns text into the ids that a text tower reads.
//
// All are built from the model's own files. [BytePair] is CLIP's byte-level
// byte-pair encoding, equal to OpenAI's, and [WordPiece] BERT's, equal to
// Hugging Face's BertTokenizer. A [Pipeline] is read from a tokenizer.json
// ([NewFromJSON]: byte pairs, byte-level or with byte fallback, Unigram,
// WordPiece), from a SentencePiece .model file ([NewSentencePiece]), or from
// vocab.json and merges.txt ([NewCLIP]). All are held against the ids that the
// reference libraries gave: see make_golden.py in testdata, and package
// modeltest for the families.
//
// # Caveats
//
// OpenAI's tokenizer runs ftfy first where that package is installed. BytePair
// does not. On clean text this changes nothing; ftfy would mend mojibake
// (schÃ¶n becomes schön), turn curly quotes into straight ones (so that don’t
// with a typographer's apostrophe gets the tokens of don't), take ligatures
// and full-width letters apart, drop control characters and terminal escapes,
// and compose accents (NFC).
//
// A Pipeline normalises the whole text before it is cut at the context length,
// in memory that grows with the text. Patterns of a tokenizer.json that look
// ahead, and steps that none of the CLIP families has, are refused.
//
// Letters, marks and punctuation are told apart by the Unicode tables of the
// Go release that builds the program. Python's and Rust's tables differ for
// scripts and signs added in recent years; Hugging Face's tokenizers hold on
// to Unicode 8 and so keep some later marks and split less punctuation. The
// common scripts and emoji are not among these.
//
// Text may spell special tokens (<|endoftext|>, [SEP]) and gets their ids, as
// the reference tokenizers do it. A program that takes text from strangers
// and minds should remove them.
package token
