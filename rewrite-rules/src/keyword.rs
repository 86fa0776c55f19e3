//! PostgreSQL's keywords: which words mean something, and where they may still be names.
//!
//! The parser knows some six hundred words that only other databases give a meaning. To it they
//! must be plain names: `FROM users global JOIN posts …` has an alias, `SELECT top FROM users` a
//! column. Source: `pg_get_keywords()` of PostgreSQL 15.

use std::sync::LazyLock;

use sqlparser::keywords::{ALL_KEYWORDS, ALL_KEYWORDS_INDEX, Keyword};

/// May be a name of anything.
const UNRESERVED: &str = "\
    abort absolute access action add admin after aggregate also alter always asensitive \
    assertion assignment at atomic attach attribute backward before begin breadth by cache \
    call called cascade cascaded catalog chain characteristics checkpoint class close cluster \
    columns comment comments commit committed compression configuration conflict connection \
    constraints content continue conversion copy cost csv cube current cursor cycle data \
    database day deallocate declare defaults deferred definer delete delimiter delimiters \
    depends depth detach dictionary disable discard document domain double drop each enable \
    encoding encrypted enum escape event exclude excluding exclusive execute explain \
    expression extension external family filter finalize first following force forward \
    function functions generated global granted groups handler header hold hour identity if \
    immediate immutable implicit import include including increment index indexes inherit \
    inherits inline input insensitive insert instead invoker isolation key label language \
    large last leakproof level listen load local location lock locked logged mapping match \
    matched materialized maxvalue merge method minute minvalue mode month move name names new \
    next nfc nfd nfkc nfkd no normalized nothing notify nowait nulls object of off oids old \
    operator option options ordinality others over overriding owned owner parallel parameter \
    parser partial partition passing password plans policy preceding prepare prepared preserve \
    prior privileges procedural procedure procedures program publication quote range read \
    reassign recheck recursive ref referencing refresh reindex relative release rename \
    repeatable replace replica reset restart restrict return returns revoke role rollback \
    rollup routine routines rows rule savepoint schema schemas scroll search second security \
    sequence sequences serializable server session set sets share show simple skip snapshot \
    sql stable standalone start statement statistics stdin stdout storage stored strict strip \
    subscription support sysid system tables tablespace temp template temporary text ties \
    transaction transform trigger truncate trusted type types uescape unbounded uncommitted \
    unencrypted unknown unlisten unlogged until update vacuum valid validate validator value \
    varying version view views volatile whitespace within without work wrapper write xml year \
    yes zone";

/// May be a name of a column or table, not of a function or type.
const COLUMN_NAMES: &str = "\
    between bigint bit boolean char character coalesce dec decimal exists extract float \
    greatest grouping inout int integer interval least national nchar none normalize nullif \
    numeric out overlay position precision real row setof smallint substring time timestamp \
    treat trim values varchar xmlattributes xmlconcat xmlelement xmlexists xmlforest \
    xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable";

/// May be a name of a function or type, not of a column or table.
const TYPE_OR_FUNCTION_NAMES: &str = "\
    authorization binary collation concurrently cross current_schema freeze full ilike inner \
    is isnull join left like natural notnull outer overlaps right similar tablesample verbose";

/// May be a label only.
const RESERVED: &str = "\
    all analyse analyze and any array as asc asymmetric both case cast check collate column \
    constraint create current_catalog current_date current_role current_time current_timestamp \
    current_user default deferrable desc distinct do else end except false fetch for foreign \
    from grant group having in initially intersect into lateral leading limit localtime \
    localtimestamp not null offset on only or order placing primary references returning \
    select session_user some symmetric table then to trailing true union unique user using \
    variadic when where window with";

/// May not be a label unless AS stands before it.
const NO_BARE_LABELS: &str = "\
    array as char character create day except fetch filter for from grant group having hour \
    intersect into isnull limit minute month notnull offset on order over overlaps precision \
    returning second to union varying where window with within without year";

/// Keywords of PostgreSQL 16 and 17, unreserved, that the parser reads as they do.
const LATER: &str = "absent empty error json json_table keys nested path scalar source target";

/// Where a keyword may be a name all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Anywhere.
    Unreserved,
    /// As a column's or table's name.
    ColumnName,
    /// As a function's or type's name.
    TypeOrFunctionName,
    /// Only as a label behind AS, or behind a dot.
    Reserved,
}

/// A keyword.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    word: &'static str,
    /// The parser's name for it, if it has one.
    pub(crate) keyword: Keyword,
    pub(crate) class: Class,
    /// Whether it may be a label without AS.
    pub(crate) bare_label: bool,
}

impl Known {
    /// Whether a column or a table may be called so (`ColId`).
    pub(crate) fn names_relation(&self) -> bool {
        match self.class {
            Class::Unreserved | Class::ColumnName => true,
            Class::TypeOrFunctionName | Class::Reserved => false,
        }
    }
}

/// All of them, sorted by word.
static KEYWORDS: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let classes = [
        (UNRESERVED, Class::Unreserved),
        (LATER, Class::Unreserved),
        (COLUMN_NAMES, Class::ColumnName),
        (TYPE_OR_FUNCTION_NAMES, Class::TypeOrFunctionName),
        (RESERVED, Class::Reserved),
    ];
    let mut keywords: Vec<Known> = Vec::new();
    for (words, class) in classes {
        keywords.extend(words.split_ascii_whitespace().map(|word| Known {
            word,
            keyword: parsers(word),
            class,
            bare_label: !NO_BARE_LABELS.split_ascii_whitespace().any(|no_label| no_label == word),
        }));
    }
    keywords.sort_unstable_by_key(|known| known.word);
    keywords
});

/// What the parser calls a word.
fn parsers(word: &str) -> Keyword {
    let upper = word.to_ascii_uppercase();
    let at = ALL_KEYWORDS.binary_search(&upper.as_str()).ok();
    at.and_then(|at| ALL_KEYWORDS_INDEX.get(at)).copied().unwrap_or(Keyword::NoKeyword)
}

/// Looks an unquoted word up, in any case.
pub(crate) fn find(word: &str) -> Option<&'static Known> {
    let keywords: &'static [Known] = &KEYWORDS;
    let at = keywords.binary_search_by(|known| {
        let letters = word.bytes().map(|letter| letter.to_ascii_lowercase());
        known.word.bytes().cmp(letters)
    });
    at.ok().and_then(|at| keywords.get(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_case_and_foreign_ones_are_not() {
        let class = |word| find(word).map(|known| known.class);
        assert_eq!(class("Select"), Some(Class::Reserved));
        assert_eq!(class("ISNULL"), Some(Class::TypeOrFunctionName));
        assert_eq!(class("values"), Some(Class::ColumnName));
        assert_eq!(class("set"), Some(Class::Unreserved));
        for foreign in ["qualify", "pivot", "top", "semi", "minus", "sample", "", "selects"] {
            assert_eq!(class(foreign), None, "{foreign}");
        }
        assert!(find("as").is_some_and(|known| !known.bare_label));
        assert!(find("desc").is_some_and(|known| known.bare_label));
    }
}
