"""Common short English words, for texts that a seed makes."""

# Each is one token, its leading space included, for the byte-pair tokenizers of GPT-2 and of
# Mistral (the 32k and the Tekken vocabulary), and so about one for those of other models.
_TEXT = """
about above act after all along and baby back bank base bath bear bed begin boat body book born
boy bread bring build bus buy came car carry cat catch cause cell child class clean cloud coat
cold color come cook copy cost cover crowd cry dance dark day dear deep down dress drink drop
dry duck each ear early east eat egg end enter face fact fall far farm feel feet few first fish
five fly foot force form fresh gate gave girl glass good got gray group half hard head hear
heart heavy here hill hit hope horse hot human idea join jump just keep kind knew land last late
law learn less let life light line list long lot made make map mark meat meet milk mind month
moon most much music must name near need news next night nine noise note off often one only open
other our out over pair pass plant play power put rain ride rise river road rock room root rose
round row rule run salt same sea see seem serve shall share sharp short show side since sing six
size skin sleep slow small smell snow soft soil son soon sound space speak speed start stay step
stone stop store study such swim table talk tall team test than their thing this today too trade
trip try turn two type under until usual view voice want warm watch water wave west wheel when
which who wild will win wine wing wish with world worth write wrong young
"""
# 256 of them, so that each of a number's bytes is a word.
WORDS = tuple(_TEXT.split())
