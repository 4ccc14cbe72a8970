//! Scripts, and people who do not exist with names in them.

/// A script: how people, studies and series are named in it, and in which character sets devices
/// there write.
pub(super) struct Script {
    /// How many of 100 patients have names in it.
    pub(super) share: u64,
    /// Specific Character Sets that can write all of it (PS3.3 §C.12.1.1.2).
    pub(super) character_sets: &'static [&'static str],
    pub(super) names: Names,
    /// Referring physicians, as whole names.
    pub(super) physicians: &'static [&'static str],
    /// Study Descriptions.
    pub(super) studies: &'static [&'static str],
    /// Series Descriptions.
    pub(super) series: &'static [&'static str],
    /// Institution Names.
    pub(super) institutions: &'static [&'static str],
}

/// How person names are put together.
pub(super) enum Names {
    /// Family name and given name.
    Alphabetic(&'static [&'static str], &'static [&'static str]),
    /// The same in three component groups each: alphabetic, ideographic, phonetic (PS3.5 §6.2.1).
    Groups(&'static [[&'static str; 3]], &'static [[&'static str; 3]]),
}

impl Names {
    /// The name at a place among all combinations.
    pub(super) fn name(&self, place: usize) -> String {
        match self {
            Self::Alphabetic(families, given) => {
                let family = families[place % families.len()];
                format!("{family}^{}", given[place / families.len() % given.len()])
            }
            Self::Groups(families, given) => {
                let family = families[place % families.len()];
                let given = given[place / families.len() % given.len()];
                let groups = family.iter().zip(given).map(|(family, given)| format!("{family}^{given}"));
                let groups: Vec<_> = groups.map(|group| group.trim_end_matches('^').to_owned()).collect();
                groups.join("=").trim_end_matches('=').to_owned()
            }
        }
    }
}

/// All scripts; shares add up to 100.
pub(super) const SCRIPTS: &[Script] = &[
    Script {
        share: 34,
        character_sets: &["", "ISO_IR 100", "ISO_IR 192"],
        names: Names::Alphabetic(
            &[
                "Smith",
                "SMITH",
                "Smithson",
                "Jones",
                "O'Brien",
                "O'Neill",
                "Taylor-Green",
                "van der Berg",
                "de la Cruz",
                "MacDonald",
                "Macdonald",
                "Lee",
                "Brown",
                "Adams",
                "Miller",
                "Walker",
                "St. John",
            ],
            &[
                "John",
                "JOHN",
                "Mary",
                "Mary Ann",
                "Anne",
                "Robert^Quincy",
                "Robert^Quincy^Rev.",
                "Alice^^Dr.",
                "Peter^^^Jr.",
                "Sean",
                "Grace",
                "Oliver",
                "Lee",
                "Kim",
                "Johnathan",
            ],
        ),
        physicians: &["House^Gregory", "Watson^John^^Dr.", "O'Hara^Scarlett", "Strange^Stephen"],
        studies: &[
            "CT Chest w/o contrast",
            "MR Brain",
            "Knee left, 2 views",
            "CHEST PA+LAT",
            "Follow-up 100% (6 mo)",
            "Abdomen_Pelvis [contrast]",
            "US Abdomen",
        ],
        series: &["Axial", "Coronal MPR", "Scout", "T1 * sagittal", "T2? (motion)", "AP"],
        institutions: &["St. Mary's Hospital", "General Hospital", "City Clinic"],
    },
    Script {
        share: 14,
        character_sets: &["ISO_IR 100", "ISO_IR 192"],
        names: Names::Alphabetic(
            &[
                "Müller",
                "Mueller",
                "Muller",
                "Müller-Lüdenscheidt",
                "Größe",
                "Ångström",
                "Señor",
                "Lefèvre",
                "D'Été",
                "Çelik",
                "Jørgensen",
                "Ýmir",
            ],
            &["Jürgen", "Jurgen", "Zoë", "François", "José", "Jose", "Æsa", "Øyvind", "Åsa", "Anaïs"],
        ),
        physicians: &["Röntgen^Wilhelm", "Curie^Marie", "Cajal^Santiago Ramón"],
        studies: &["CT Schädel nativ", "Röntgen Hüfte links", "IRM cérébrale", "Angiografía"],
        series: &["Übersicht", "Séquence axiale", "Knochenfenster"],
        institutions: &["Universitätsklinikum", "Hôpital Général"],
    },
    Script {
        share: 6,
        character_sets: &["ISO_IR 101", "ISO_IR 192"],
        names: Names::Alphabetic(
            &["Nováková", "Łukasiewicz", "Kovačević", "Żółć", "Szabó", "Dvořák"],
            &["Žofie", "Łucja", "Đorđe", "Świętosław", "Ágnes", "Jiří"],
        ),
        physicians: &["Purkyně^Jan", "Skłodowska^Maria"],
        studies: &["CT hrudníku", "RTG klatki piersiowej"],
        series: &["Příčné řezy", "Sekwencja osiowa"],
        institutions: &["Fakultní nemocnice", "Szpital Kliniczny"],
    },
    Script {
        share: 12,
        character_sets: &["ISO_IR 144", "ISO_IR 192"],
        names: Names::Alphabetic(
            &["Иванов", "ИВАНОВ", "Иванова", "Петров", "Сидоренко", "Щербаков", "Ёлкин", "Люксембург"],
            &["Иван", "Пётр", "Анна", "Юрий", "Мария^Сергеевна", "Фёдор^Михайлович"],
        ),
        physicians: &["Пирогов^Николай", "Боткин^Сергей"],
        studies: &["КТ грудной клетки", "МРТ головного мозга", "Рентген колена"],
        series: &["Аксиальные срезы", "Топограмма"],
        institutions: &["Городская больница", "Клиника"],
    },
    Script {
        share: 8,
        character_sets: &["ISO_IR 126", "ISO_IR 192"],
        names: Names::Alphabetic(
            &["Διονυσιος", "Παπαδόπουλος", "ΠΑΠΑΔΟΠΟΥΛΟΣ", "Αγγελοπούλου", "Νικολάου"],
            &["Γιώργος", "Ελένη", "Μαρία", "Άννα", "Οδυσσέας"],
        ),
        physicians: &["Ιπποκράτης^Κως", "Γαληνός^Αίλιος"],
        studies: &["Αξονική θώρακος", "Μαγνητική εγκεφάλου"],
        series: &["Εγκάρσια", "Οβελιαία"],
        institutions: &["Νοσοκομείο Αθηνών"],
    },
    Script {
        share: 12,
        character_sets: &[r"\ISO 2022 IR 87", "ISO_IR 192"],
        names: Names::Groups(
            &[
                ["Yamada", "山田", "やまだ"],
                ["Suzuki", "鈴木", "すずき"],
                ["Sato", "佐藤", "さとう"],
                ["Takahashi", "高橋", "たかはし"],
                ["Watanabe", "渡辺", "わたなべ"],
            ],
            &[
                ["Tarou", "太郎", "たろう"],
                ["Hanako", "花子", "はなこ"],
                ["Ichiro", "一郎", "いちろう"],
                ["Misaki", "美咲", "みさき"],
            ],
        ),
        physicians: &["Noguchi^Hideyo=野口^英世=のぐち^ひでよ", "Kitasato^Shibasaburo=北里^柴三郎"],
        studies: &["胸部CT", "頭部MRI", "Chest 胸部"],
        series: &["軸位断", "冠状断"],
        institutions: &["東京病院", "大阪医療センター"],
    },
    Script {
        share: 7,
        character_sets: &[r"\ISO 2022 IR 149", "ISO_IR 192"],
        names: Names::Groups(
            &[["Hong", "洪", "홍"], ["Kim", "金", "김"], ["Lee", "李", "이"], ["Park", "朴", "박"]],
            &[["Gildong", "吉洞", "길동"], ["Minjun", "民俊", "민준"], ["Seoyeon", "", "서연"]],
        ),
        physicians: &["Heo^Jun=許^浚=허^준"],
        studies: &["흉부 CT", "뇌 MRI"],
        series: &["축상면", "관상면"],
        institutions: &["서울병원"],
    },
    Script {
        share: 7,
        character_sets: &["GB18030", r"\ISO 2022 IR 58", "ISO_IR 192"],
        names: Names::Groups(
            &[["Wang", "王", ""], ["Zhang", "张", ""], ["Li", "李", ""], ["Chen", "陈", ""]],
            &[["XiaoDong", "小东", ""], ["Wei", "伟", ""], ["Fang", "芳", ""], ["XiuYing", "秀英", ""]],
        ),
        physicians: &["Hua^Tuo=华^佗"],
        studies: &["胸部平扫", "头颅磁共振"],
        series: &["横断面", "定位像"],
        institutions: &["北京医院"],
    },
];

#[cfg(test)]
mod tests {
    use dataset::character_set::CharacterSet;

    use super::*;

    #[test]
    fn shares_add_up() {
        assert_eq!(SCRIPTS.iter().map(|script| script.share).sum::<u64>(), 100);
    }

    #[test]
    fn names_have_the_groups_of_their_script() {
        let name = |script: usize, place| SCRIPTS[script].names.name(place);
        assert_eq!(name(0, 18), "SMITH^JOHN");
        assert_eq!(name(5, 0), "Yamada^Tarou=山田^太郎=やまだ^たろう");
        assert_eq!(name(6, 8), "Hong^Seoyeon=洪=홍^서연");
        assert_eq!(name(7, 0), "Wang^XiaoDong=王^小东");
    }

    #[test]
    fn every_character_set_writes_its_script_without_loss() {
        for script in SCRIPTS {
            for terms in script.character_sets {
                let character_set = CharacterSet::from_value(terms.as_bytes());
                let names = (0..400).map(|place| script.names.name(place));
                let physicians = script.physicians.iter().map(|name| (*name).to_owned());
                for name in names.chain(physicians) {
                    let encoded = character_set.encode_person_names(&name);
                    assert_eq!(encoded.replaced, 0, "{terms} {name}");
                    assert_eq!(character_set.decode_person_names(&encoded.bytes), [name.as_str()], "{terms}");
                }
                for text in [script.studies, script.series, script.institutions].concat() {
                    let encoded = character_set.encode_values(text);
                    assert_eq!(encoded.replaced, 0, "{terms} {text}");
                    assert_eq!(character_set.decode_values(&encoded.bytes), [text], "{terms}");
                }
            }
        }
    }
}
