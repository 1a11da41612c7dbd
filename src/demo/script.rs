//! Who talks about what in the demo. All of it is made up, as are the prices.

/// Somebody who was here before the visitor, and with whose account nobody can log in.
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) intro: &'static str,
}

/// A post and what was said about it.
pub(super) struct Story {
    /// Whose, by her place among the [`PEOPLE`].
    pub(super) author: usize,
    pub(super) hours_ago: i64,
    pub(super) title: &'static str,
    pub(super) content: &'static str,
    pub(super) tags: &'static [&'static str],
    pub(super) comments: &'static [Remark],
}

/// A comment, and the replies to it.
pub(super) struct Remark {
    pub(super) author: usize,
    pub(super) content: &'static str,
    /// By whom, and what.
    pub(super) replies: &'static [(usize, &'static str)],
}

pub(super) const PEOPLE: [Person; 9] = [
    Person { name: "김서연", intro: "낮에는 회계, 밤에는 차트. 단타는 안 합니다." },
    Person { name: "Marcus Hale", intro: "Market microstructure, order books, too much coffee." },
    Person { name: "박도윤", intro: "온체인 데이터 보는 개발자" },
    Person { name: "Ingrid", intro: "Long-term holder. I read the whitepapers so you do not have to." },
    Person { name: "이하은", intro: "이더리움 생태계 소식을 모읍니다 ☕" },
    Person { name: "teo_r", intro: "Building small bots that lose small amounts of money." },
    Person { name: "최민준", intro: "투자 3년차, 아직도 배우는 중" },
    Person { name: "Priya N", intro: "Risk first, returns second." },
    Person { name: "정유진", intro: "XRP 오래 들고 있는 사람" },
];

/// The oldest first.
pub(super) const STORIES: [Story; 14] = [
    Story {
        author: 3,
        hours_ago: 150,
        title: "What I look at before I buy anything",
        content: "A short list, in this order:\n\n1. **Who holds it?** A few wallets with most of the supply is a no.\n\
            2. **What does it cost to leave?** Thin books turn a small exit into a large loss.\n\
            3. **What would change my mind?** I write it down *before* I buy.\n\nWhat is on yours? #checklist #basics",
        tags: &["longterm"],
        comments: &[
            Remark {
                author: 7,
                content: "Number 3 is the one nobody does. Mine is a sticky note on the monitor.",
                replies: &[(3, "A sticky note is fine as long as you cannot edit it afterwards 🙂")],
            },
            Remark {
                author: 6,
                content: "2번 공감합니다. 호가창 얇은 코인에서 한번 크게 배웠어요.",
                replies: &[],
            },
        ],
    },
    Story {
        author: 0,
        hours_ago: 139,
        title: "비트코인 주간 정리: 박스권 상단에서 세 번째 시도",
        content: "이번 주 $KRW-BTC 는 같은 자리에서 두 번 밀렸습니다.\n\n- 거래대금은 지난주보다 줄었고\n- 밀릴 때마다 저점은 조금씩 높아졌고\n\
            - 김치 프리미엄은 거의 없는 수준입니다.\n\n세 번째는 다를지, 다음 주 초가 중요해 보입니다. #비트코인 #주간정리",
        tags: &["차트"],
        comments: &[
            Remark {
                author: 2,
                content: "거래소 보유량도 같이 줄고 있어요. 저는 상방에 조금 더 무게를 둡니다.",
                replies: &[
                    (0, "그 데이터 어디서 보세요?"),
                    (2, "직접 노드 돌려서 봅니다. 조만간 글로 정리할게요."),
                ],
            },
            Remark { author: 8, content: "정리 감사합니다. 매주 기다려요!", replies: &[] },
        ],
    },
    Story {
        author: 5,
        hours_ago: 120,
        title: "My bot survived its first week",
        content: "It lost 0.4 %, which is the best week so far. What I learned:\n\n```\nif spread > 3 * fee { wait() }\n```\n\n\
            That one line did more than all my indicators together. $KRW-ETH #bots",
        tags: &["automation"],
        comments: &[Remark {
            author: 1,
            content: "Welcome to market making: most of the edge is knowing when not to quote.",
            replies: &[(5, "I will print this and hang it over my desk.")],
        }],
    },
    Story {
        author: 4,
        hours_ago: 101,
        title: "이더리움 수수료가 이렇게 낮은 건 오랜만이네요",
        content: "어젯밤 전송 수수료가 몇백 원 수준이었습니다. 지갑 정리하실 분들은 지금이 기회예요.\n\n$KRW-ETH #이더리움 #수수료",
        tags: &[],
        comments: &[
            Remark { author: 6, content: "덕분에 미뤄둔 지갑 정리했습니다 👍", replies: &[] },
            Remark {
                author: 2,
                content: "블롭 도입 이후로 확실히 체감이 됩니다.",
                replies: &[(4, "맞아요, L2 쪽은 더 싸졌어요.")],
            },
        ],
    },
    Story {
        author: 1,
        hours_ago: 92,
        title: "Reading an order book without fooling yourself",
        content: "Three habits that helped me:\n\n* Watch what *disappears* when price comes near, not what is shown.\n\
            * Compare trades with the book, not the book with itself.\n* Round numbers collect orders. That is all they do.\n\n\
            Questions welcome. #orderbook #basics",
        tags: &[],
        comments: &[Remark {
            author: 0,
            content: "The first one is gold. 호가창의 큰 물량은 대부분 장식이더라고요.",
            replies: &[(1, "Exactly. Decoration with a purpose, though.")],
        }],
    },
    Story {
        author: 8,
        hours_ago: 77,
        title: "리플 3년째 보유 중인 사람의 일기",
        content: "솔직히 지루했습니다. 그래도 $KRW-XRP 를 팔지 않은 이유는 처음 산 이유가 아직 그대로이기 때문입니다.\n\n\
            이유가 바뀌면 그때 팔겠습니다. #리플 #장기투자",
        tags: &[],
        comments: &[
            Remark { author: 3, content: "This is how it should be done. Reasons first.", replies: &[] },
            Remark {
                author: 6,
                content: "3년이면 진짜 대단하시네요",
                replies: &[(8, "잊고 살면 됩니다 ㅎㅎ")],
            },
        ],
    },
    Story {
        author: 7,
        hours_ago: 64,
        title: "Position sizing in one table",
        content: "| account | risk per trade | stop 5 % away | position |\n|---|---|---|---|\n| 1,000,000 | 1 % | 10,000 | 200,000 |\n\
            | 1,000,000 | 2 % | 20,000 | 400,000 |\n\nIf the number looks boring, it is right. #risk",
        tags: &["basics"],
        comments: &[Remark {
            author: 5,
            content: "My bot would like a word with your boring numbers.",
            replies: &[],
        }],
    },
    Story {
        author: 2,
        hours_ago: 52,
        title: "온체인 데이터로 보는 거래소 보유량",
        content: "약속드린 글입니다. 최근 30일 동안 거래소 지갑의 $KRW-BTC 잔고는 꾸준히 줄었습니다.\n\n\
            다만 **줄었다고 꼭 오르는 것은 아닙니다.** 커스터디로 옮겨진 물량도 섞여 있기 때문입니다. @김서연 님이 물어보셔서 정리해 봤어요.\n\n#비트코인 #온체인",
        tags: &["데이터"],
        comments: &[
            Remark {
                author: 0,
                content: "기다렸어요! 커스터디 부분은 생각 못 했네요.",
                replies: &[(2, "저도 처음엔 놓쳤습니다.")],
            },
            Remark {
                author: 1,
                content: "Great write-up. Is the script public?",
                replies: &[(2, "Soon, after I remove my hard-coded paths 😅")],
            },
        ],
    },
    Story {
        author: 6,
        hours_ago: 40,
        title: "손절을 못 하는 저, 어떻게 고칠까요?",
        content: "항상 -3%에서 자르자고 다짐하는데 막상 오면 못 누릅니다. 다들 어떻게 하시나요? #질문 #심리",
        tags: &[],
        comments: &[
            Remark {
                author: 7,
                content: "Place the stop order together with the buy order. Then there is nothing to decide later.",
                replies: &[(6, "예약 주문을 같이 거는 거군요. 해볼게요!")],
            },
            Remark {
                author: 0,
                content: "금액을 줄여보세요. 못 자르는 건 대부분 너무 커서 그렇습니다.",
                replies: &[],
            },
            Remark {
                author: 8,
                content: "저는 그냥 안 봅니다…",
                replies: &[(6, "ㅋㅋㅋㅋ 그것도 방법이네요")],
            },
        ],
    },
    Story {
        author: 4,
        hours_ago: 29,
        title: "주말에 읽을 만한 이더리움 글 세 편",
        content: "1. 계정 추상화가 지갑을 어떻게 바꾸는가\n2. 롤업이 데이터를 올리는 방법\n3. 검증자 수는 왜 계속 늘어나는가\n\n\
            링크는 댓글로 달게요. #이더리움 #읽을거리",
        tags: &[],
        comments: &[Remark {
            author: 3,
            content: "Number 2 is the clearest explanation I have seen so far.",
            replies: &[],
        }],
    },
    Story {
        author: 1,
        hours_ago: 20,
        title: "Spreads this morning",
        content: "$KRW-BTC tight as usual, $KRW-XRP twice its normal width between 08:00 and 08:20. Somebody was in a hurry. #orderbook",
        tags: &[],
        comments: &[Remark {
            author: 5,
            content: "Can confirm. My bot waited the whole time, as it should.",
            replies: &[],
        }],
    },
    Story {
        author: 0,
        hours_ago: 9,
        title: "오늘 비트코인, 드디어 박스권을 벗어나나",
        content: "세 번째 시도가 시작됐습니다. 지난번과 다른 점은 거래대금입니다.\n\n> 돌파는 가격이 아니라 거래량이 말해준다\n\n\
            오늘 종가가 중요합니다. $KRW-BTC #비트코인 #차트",
        tags: &[],
        comments: &[
            Remark { author: 2, content: "거래량 실린 건 확실하네요.", replies: &[] },
            Remark {
                author: 6,
                content: "또 속는 건 아니겠죠…?",
                replies: &[(0, "속으면 또 기다리면 됩니다 🙂")],
            },
            Remark { author: 7, content: "Careful with the size, whatever happens.", replies: &[] },
        ],
    },
    Story {
        author: 5,
        hours_ago: 5,
        title: "Which markets do you keep open all day?",
        content: "Mine: $KRW-BTC, $KRW-ETH, $KRW-XRP. Curious what I am missing. #question",
        tags: &[],
        comments: &[
            Remark { author: 8, content: "리플 하나면 충분합니다!", replies: &[] },
            Remark {
                author: 1,
                content: "The same three. Everything else is noise at this hour.",
                replies: &[],
            },
        ],
    },
    Story {
        author: 3,
        hours_ago: 2,
        title: "A reminder that nothing here is advice",
        content: "We talk, we learn, we are often wrong. The prices in this demo are made up, and so are we. #meta",
        tags: &[],
        comments: &[Remark {
            author: 4, content: "그래도 이야기는 진짜니까요 ☕", replies: &[]
        }],
    },
];
