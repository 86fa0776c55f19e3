//! What a text's tokens are to PostgreSQL.

use sqlparser::tokenizer::Token;

use super::*;

/// A token in a form that tells its kind: literals as their value in single quotes, quoted
/// identifiers in double ones.
fn shown(token: &Token) -> String {
    match token {
        Token::EscapedStringLiteral(value) => format!("'{value}'"),
        Token::SingleQuotedByteStringLiteral(_) => "bits".to_owned(),
        Token::Word(Word { value, quote_style: Some(_), .. }) => format!("\"{value}\""),
        Token::Word(Word { value, .. }) => value.clone(),
        Token::Number(digits, _) => format!("number {digits}"),
        Token::CustomBinaryOperator(operator) => format!("operator {operator}"),
        other => other.to_string(),
    }
}

fn tokens_under(text: &str, standard_conforming_strings: bool) -> Option<Vec<String>> {
    let lexed = lex(text, standard_conforming_strings).ok()?;
    Some(lexed.tokens.iter().map(|token| shown(&token.token)).collect())
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(tokens_under(text, true).as_deref(), Some(owned(expected).as_slice()), "{text}");
}

fn owned(tokens: &[&str]) -> Vec<String> {
    tokens.iter().map(|&token| token.to_owned()).collect()
}

#[test]
fn an_operator_ends_where_a_comment_begins() {
    check("1 +-- x\n2", &["number 1", "+", "number 2"]);
    check("1 @/* x */2", &["number 1", "operator @", "number 2"]);
    check("a */* /* b */ c */ d", &["a", "*", "d"]);
    check("a /-- b", &["a", "/"]);
}

#[test]
fn a_sign_behind_an_operator_belongs_to_the_operand() {
    check("a =-1", &["a", "=", "-", "number 1"]);
    check("a <=+-1", &["a", "<=", "+", "-", "number 1"]);
    check("a @-1", &["a", "operator @-", "number 1"]);
    check("a ->- b", &["a", "operator ->", "-", "b"]);
}

#[test]
fn operators_are_the_longest_run_of_their_letters() {
    for operator in ["*=", "*<>", "*<=", "&>", "&<|", "?|", "@>", "->>", "#>>", "~<~", "|/", "!~~*"]
    {
        check(&format!("a{operator}b"), &["a", &format!("operator {operator}"), "b"]);
    }
    check("a=>b", &["a", "=>", "b"]);
    check("a!=b", &["a", "<>", "b"]);
    check("a:=b", &["a", ":=", "b"]);
    check("a[1:b]::c", &["a", "[", "number 1", ":", "b", "]", "::", "c"]);
}

#[test]
fn literals_have_their_values() {
    check("'it''s'", &["'it's'"]);
    check(r"'a\'", &[r"'a\'"]);
    check(r"E'a\'b\\'", &[r"'a'b\'"]);
    check(r"E'\x41\101\u0041\U00000041'", &["'AAAA'"]);
    check("N'a' B'1' X'ff'", &["'a'", "bits", "bits"]);
    check("$$a$b$$ $q$ $$ ' $q$", &["'a$b'", "' $$ ' '"]);
    check(r"U&'d\0061t\+000061' U&'d!0061' UESCAPE '!'", &["'data'", "'da'"]);
}

#[test]
fn a_literal_goes_on_behind_a_line_end() {
    check("'a'\n'b' -- c\n  'd' 'e'", &["'abd'", "'e'"]);
    check("'a' /* \n */ 'b'", &["'a'", "'b'"]);
    check("E'\\''\n'\\''", &["''''"]);
}

#[test]
fn unicode_identifiers_are_the_names_that_they_spell() {
    check(r#"U&"\0075sers""#, &["\"users\""]);
    check(r#"u&"!0075s""e!!rs" UESCAPE '!'"#, &["\"us\"e!rs\""]);
    check(r#"U&"\+01F418""#, &["\"\u{1F418}\""]);
    check(r#"U&"\D83D\DC18""#, &["\"\u{1F418}\""]);
    check("U&\"a\" /* b */ uescape -- c\n '?'", &["\"a\""]);
    let spans = |text: &str| lex(text, true).map(|lexed| lexed.tokens.len());
    assert_eq!(spans("U&\"a\" UESCAPE '?' b"), Ok(2));
}

#[test]
fn what_postgresql_cannot_lex_is_not_lexed() {
    for text in [
        "'a",
        "\"a",
        "\"\"",
        "/* /* */",
        "$a$ $b$",
        "1a",
        "1.e",
        "$1a",
        "1..2",
        "{",
        "\u{0}",
        "U&\"\\00\"",
        "U&\"\\D83D\"",
        "U&\"a\" UESCAPE '+'",
        "U&'\\0000'",
        "B'1",
        "E'\\",
        "a \\ b",
    ] {
        assert_eq!(tokens_under(text, true), None, "{text}");
    }
}

#[test]
fn a_backslash_escapes_where_the_setting_says_so() {
    let text = r"'\' OR a = '";
    assert_eq!(tokens_under(text, true), None);
    assert_eq!(tokens_under(text, false), Some(owned(&["'' OR a = '"])));
    assert_eq!(tokens_under(r"'\\'", false), Some(owned(&[r"'\'"])));
    assert_eq!(tokens_under(r"N'\''", false), Some(owned(&["'''"])));
    assert_eq!(tokens_under(r"X'\'", false), Some(owned(&["bits"])));
    assert_eq!(tokens_under(r"U&'\0061'", false), None);
    assert_eq!(tokens_under(r#"U&"\0061""#, false), Some(owned(&["\"a\""])));
}

#[test]
fn spans_are_bytes() {
    let text = "SELECT \u{e4}, U&\"b\" UESCAPE '!' FROM \"\u{20ac}\"";
    let Ok(lexed) = lex(text, true) else { unreachable!("the text is well formed") };
    let parts: Vec<&str> = lexed
        .tokens
        .iter()
        .filter_map(|token| text.get(start_byte(token.span)..end_byte(token.span)))
        .collect();
    assert_eq!(parts, ["SELECT", "\u{e4}", ",", "U&\"b\" UESCAPE '!'", "FROM", "\"\u{20ac}\""]);
}

#[test]
fn numbers() {
    check(
        "1.5 .5 1. 1e3 1.5E-3",
        &["number 1.5", "number .5", "number 1.", "number 1e3", "number 1.5E-3"],
    );
}
