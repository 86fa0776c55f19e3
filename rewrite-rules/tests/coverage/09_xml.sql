-- XML

SELECT xmlelement(NAME "user", username) FROM users

SELECT xmlelement(NAME u, XMLATTRIBUTES(username, age AS years), email) FROM users

SELECT xmlelement(NAME username, XMLATTRIBUTES(id AS "key", u.username)) FROM users u

SELECT xmlelement(NAME a, xmlelement(NAME b, username), xmlcomment('x'), 'text', age) FROM users

SELECT xmlforest(username, email AS mail, u.age) FROM users u

SELECT xmlforest(username) FROM users

SELECT xmlforest(upper(username) AS name, tags[1] AS tag) FROM users

SELECT xmlconcat(xmlelement(NAME a, username), xmlelement(NAME b)) FROM users

SELECT xmlagg(xmlelement(NAME u, username) ORDER BY username) FROM users

SELECT xmlagg(paper ORDER BY note DESC NULLS LAST) FROM orders

SELECT xmlpi(NAME php, note), xmlpi(NAME x) FROM orders

SELECT xmlroot(paper, VERSION '1.0', STANDALONE YES), note FROM orders

SELECT xmlroot(paper, VERSION NO VALUE, STANDALONE NO VALUE), xmlroot(paper, VERSION NO VALUE) FROM orders WHERE note IS NOT NULL

SELECT xmlparse(DOCUMENT '<a>' || note || '</a>'), xmlparse(CONTENT note), xmlparse(CONTENT note PRESERVE WHITESPACE), xmlparse(CONTENT note STRIP WHITESPACE) FROM orders

SELECT xmlserialize(CONTENT paper AS text), xmlserialize(DOCUMENT paper AS varchar(100)), note FROM orders

SELECT note, paper IS DOCUMENT, paper IS NOT DOCUMENT FROM orders

SELECT note FROM orders WHERE paper IS DOCUMENT AND note IS NOT NULL

SELECT note FROM orders WHERE xmlexists('/o/l' PASSING paper)

SELECT note, xmlexists('/o' PASSING BY REF paper), xmlexists('/o' PASSING BY VALUE paper BY REF) FROM orders

SELECT note, xpath('/o/l/text()', paper), (xpath('/o/l/text()', paper))[1]::text FROM orders

SELECT o.note, l.* FROM orders o, XMLTABLE('/o/l' PASSING o.paper COLUMNS n int PATH '@n', line text PATH '.') AS l

SELECT o.note, l.nr, l.what FROM orders o, XMLTABLE('/o/l' PASSING o.paper COLUMNS nr FOR ORDINALITY, what text PATH 'text()' DEFAULT 'none' NOT NULL) AS l

SELECT o.note, l.a, l.b FROM orders o CROSS JOIN LATERAL XMLTABLE('/o/l' PASSING BY REF o.paper BY REF COLUMNS c1 int PATH '@n' DEFAULT 1 + 1, c2 text PATH '.' NULL) AS l(a, b)

SELECT o.note, l.x FROM orders o, XMLTABLE(XMLNAMESPACES('http://x.org' AS x, 'http://d.org' AS "d"), '/o/l' PASSING o.paper COLUMNS x text PATH 'x:y') AS l

SELECT x.* FROM orders o LEFT JOIN LATERAL XMLTABLE('/o' PASSING o.paper COLUMNS note text PATH 'l[1]', size numeric(10, 2) PATH 'count(l)') x ON x.note = o.note

SELECT * FROM XMLTABLE('/o/l' PASSING (SELECT paper FROM orders WHERE note = 'urgent') COLUMNS n int PATH '@n')
