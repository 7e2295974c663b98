#!/usr/bin/perl
# Writes src/Crosshead/Text/Tokenizers/Resources/normalization.txt from the Unicode data that Perl carries:
#     perl scripts/make-normalization-data.pl > src/Crosshead/Text/Tokenizers/Resources/normalization.txt
# One line a character: its code, its combining class, and its decomposition as UnicodeData.txt has it, "!" before one
# that is never composed again and "~" before one of compatibility. Only characters up to Unicode 9.0 are listed:
# Hugging Face's tokenizers normalize with the tables of that version, and ids must come out equal.
use strict;
use warnings;
no warnings 'nonchar';
use Unicode::UCD qw(charinfo);
use Unicode::Normalize qw(getCombinClass isExclusion isSingleton isNonStDecomp);

print "# Unicode 9.0: code;combining class;decomposition. Made by scripts/make-normalization-data.pl.\n";
for my $code (0 .. 0x2FFFF) {
    next if ($code >= 0xD800 && $code < 0xE000) || ($code >= 0xAC00 && $code <= 0xD7A3); # Hangul is arithmetic
    next unless chr($code) =~ /\p{Present_In: 9.0}/;
    my $class = getCombinClass($code);
    my $info = charinfo($code) or next;
    my $parts = $info->{decomposition};
    next unless $class || length $parts;
    if ($parts =~ s/^<\w+> //) {
        $parts = "~$parts";
    } elsif (length $parts && (isExclusion($code) || isSingleton($code) || isNonStDecomp($code))) {
        $parts = "!$parts";
    }
    printf "%04X;%s;%s\n", $code, $class || '', $parts;
}
